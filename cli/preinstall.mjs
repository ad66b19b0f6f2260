// Runs before npm installs anything, on whatever Node the machine has: better one clear word now than a syntax error later.
const OLDEST = 24;
const isOld = Number.parseInt(process.versions.node, 10) < OLDEST;
const bringsItsOwn = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

if (isOld && !bringsItsOwn) {
  console.error(`custody: this Node is ${process.versions.node}, and Node ${OLDEST} or later is needed`);
  console.error('hint: install it from https://nodejs.org; only on Linux (x64, arm64) npm brings it along');
  process.exitCode = 1;
}
