"""Answers on disk while a run goes on, and where one that was stopped goes on."""
