"""Measures of randomness: from arrays to sections of a report.

judging      when a measure holds
entropy      Shannon's and the collisions', with what a sample of that size would have
evenness     how often each value occurs
order        what follows what
ports, protocols, together   sections on the two streams
batches      sequences as arrays
sequences    how many there are, and how many the data can tell apart
doors        the chance that a sweep or a guess opens one
batteries    Debian's ent and dieharder
"""
