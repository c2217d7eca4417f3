"""What an inventory looks like: tables, plots and contact sheets."""
