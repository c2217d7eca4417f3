"""A Camtrap DP package (https://camtrap-dp.tdwg.org), version 1.0.2, of what was predicted."""

from ctc.prediction.formats.camtrap_dp.writing import is_own, write

__all__ = ["is_own", "write"]
