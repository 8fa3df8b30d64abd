try_slow() { :; }
