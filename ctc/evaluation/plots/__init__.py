"""Plots: light on ink, one colour and marks, readable without telling colours apart."""
