"""What helps a person to write, try and understand a mapping; nothing here moves a record."""
