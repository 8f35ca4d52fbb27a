"""What belongs to people: their accounts, their settings, their files. Plain files in the user folder."""
