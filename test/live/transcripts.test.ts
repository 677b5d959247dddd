/**
 * The networks of test/transcripts are scripted; here they are held against real ones. What is recorded between a real
 * Prosody and the XIMSS test server must hold when it is played between the scripted two.
 */
import { record } from '../transcripts/recorder';
import { startRunner } from '../transcripts/runner';

test('a conversation recorded on real servers holds between the scripted networks', async () => {
  const transcript = await record('recorded', [
    'juliet says Wherefore art thou Romeo?',
    'romeo says Call me but love',
    'romeo asks',
    'juliet approves',
    'juliet asks',
    'romeo approves',
    'romeo is busy',
  ]);
  expect(transcript.steps.length).toBeGreaterThan(10);
  const runner = await startRunner();
  try {
    await runner.check(transcript);
  } finally {
    await runner.close();
  }
}, 90_000);
