/** Jest's own runner, one file after the other: the live tests share two cores with the servers they start. */
const { default: TestRunner } = require('jest-runner');

module.exports = class SerialRunner extends TestRunner {
  isSerial = true;
};
