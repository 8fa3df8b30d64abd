try_sound() { :; }
