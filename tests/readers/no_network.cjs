// Loaded into node before a reader: none has business on the network. One that tries ends at once,
// with a code that no reader uses. Node's HTTP clients and its fetch all connect through here.
"use strict";

require("node:net").Socket.prototype.connect = () => {
  process.stderr.write("no_network.cjs: a connection was tried\n");
  process.exit(97);
};
