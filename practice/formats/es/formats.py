"""Times as people of the United States type them: 7:30 am, 7 pm, 19:30."""

TIME_INPUT_FORMATS = ["%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M%p", "%I %p", "%I%p"]
