/**
 * Before each test file. In continuous integration (TEST_RETRIES=1) a test that fails is played once more, since a shared
 * machine may stand still for longer than any deadline; both failures are printed, and a second one counts.
 */
const retries = Number(process.env['TEST_RETRIES'] ?? 0);
if (retries > 0) jest.retryTimes(retries, { logErrorsBeforeRetry: true });
