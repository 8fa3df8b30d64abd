try_crash() { :; }
