"""What people read: rich tables and text.  No arithmetic beyond choosing units."""
