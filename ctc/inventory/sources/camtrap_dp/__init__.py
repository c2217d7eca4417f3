"""A Camtrap DP package (https://camtrap-dp.tdwg.org), version 1.0."""
