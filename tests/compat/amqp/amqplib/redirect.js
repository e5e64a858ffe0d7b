// A few of amqplib's tests connect to port 5672 whatever URL says. This sends them to AMQP_PORT.
'use strict';

const net = require('net');

const port = Number(process.env.AMQP_PORT);
const connect = net.connect;

net.connect = function (options, ...rest) {
  if (Number(options) === 5672) options = port;
  else if (options && Number(options.port) === 5672) options = {...options, port};
  return connect.call(this, options, ...rest);
};
