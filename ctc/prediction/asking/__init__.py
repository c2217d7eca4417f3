"""From encoded pictures to what the network says of each."""
