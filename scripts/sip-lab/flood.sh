try_flood() { :; }
