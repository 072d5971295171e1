"""What the practice announces: new physicians, recognition, community, notices to patients."""
