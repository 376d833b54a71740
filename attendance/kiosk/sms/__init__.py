"""Messages to guardians: words, gateways, and the courier that carries one to the other."""
