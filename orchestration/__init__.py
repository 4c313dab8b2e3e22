"""The operating system: definitions, component kinds, dbt assets, sensors and the command line."""
