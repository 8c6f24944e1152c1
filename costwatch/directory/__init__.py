"""The organization as the vendor knows it: a mirror that never forgets what facts refer to."""
