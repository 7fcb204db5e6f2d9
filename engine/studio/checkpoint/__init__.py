"""Networks trained elsewhere: their files are read as data, checked, and written as models of ours. Nothing in them ever runs."""
