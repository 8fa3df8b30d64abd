// Who works with sockets names addresses and moments all the time: one import gives both.
@_exported import NetworkTypes
