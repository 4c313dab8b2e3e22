"""Backup and restore of a whole home: one file, made and put back whole or not at all, every byte checked by its hash.

Everything is saved as it lies on disk: what is encrypted there is encrypted in the backup. The master key is in it only
where that is asked for; without it the backup is as closed as the home.
"""
