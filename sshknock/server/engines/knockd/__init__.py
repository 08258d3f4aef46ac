"""The paper's daemon as the engine: doors become sections of knockd.conf.

conf      the file: the administrator's part and our marked block, parsed and rendered
sections  doors, decoys and the guard as sections of our block
decoys    ports that spoil a sweep, and how likely a sweep is to open a door all the same
guard     the attempt that keeps two honest users from forgetting each other
daemons   the processes: started beside the old one, verified, retired
engine    all of it behind the interface of ``engines.base``
"""
