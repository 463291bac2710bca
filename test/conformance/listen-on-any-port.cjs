// Preloaded into a guide's server: whatever port it asks for, it gets a free one on 127.0.0.1 and its parent learns which.
const net = require('node:net');

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function listenOnAnyPort(_port, ...rest) {
  this.once('listening', () => process.send(this.address().port));
  const whenListening = rest.find((argument) => typeof argument === 'function');
  return listen.call(this, 0, '127.0.0.1', whenListening);
};
