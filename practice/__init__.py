"""The project, and who the practice is: identity, locations, physicians, notices, feedback."""
