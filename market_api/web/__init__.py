"""What every request goes through: ids, limits, logs, figures, headers, and the answers to what goes wrong."""
