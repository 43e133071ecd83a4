"""The phases of a job. Every step may run twice, and in two workers at once."""
