"""Its presence lets tests in the folders below import `song`."""
