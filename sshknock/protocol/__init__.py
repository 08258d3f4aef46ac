"""The protocol: pure, without files, network, clock or randomness of its own. Start reading here.

knocks       what a knock and a sequence are, and which sequences are weak
secrets      the secret that the two sides share
draws, bits  the two generators: ports by a PRNG, protocols by the Hénon map
parameters   what can be chosen, and what is refused
derivation   (secret, purpose, counter) -> sequence
counters     how the two sides stay in step
token        what the server hands to its client
names, addresses, ranges  the strict parsers of short strings
"""
