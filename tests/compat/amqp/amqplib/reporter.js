// One line per test, as run.py reads them.
'use strict';

module.exports = function (runner) {
  const line = (test, status, reason) => {
    const name = test.fullTitle().replace(/[^A-Za-z0-9]+/g, '-');
    console.log(`CASE ${name} ${status} ${((test.duration || 0) / 1000).toFixed(1)} ${reason}`.trim());
  };
  runner.on('pass', test => line(test, 'ok', ''));
  runner.on('fail', (test, error) => line(test, 'FAILED', String(error && error.stack || error).replace(/\s+/g, ' ').slice(0, 600)));
};
