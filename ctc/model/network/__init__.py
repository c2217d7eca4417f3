"""Networks: backbones, and what a network takes over from its parent."""
