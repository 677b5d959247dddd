/** The TCP framing of the test server. */
import { bob, boot, dial, down, loggedIn, server } from './harness';

afterEach(down);

describe('framing', () => {
  test('two requests in one write, one request in many writes, multi-byte characters cut in half', async () => {
    await boot();
    const client = await loggedIn();
    const far = server.client(bob);
    client.send('<noop id="1"/>', '<noop id="2"/>');
    await client.until(/^<response id="2"\/>$/);
    const bytes = Buffer.from(`<sendIM id="3" peer="${bob}">привет 🐸</sendIM>\0`);
    for (const byte of bytes) client.raw(Buffer.of(byte));
    await client.until(/^<response id="3"\/>$/);
    expect((await far.waitFor((item) => item.kind === 'im')).text).toBe('привет 🐸');
  });

  test.each([
    ['a doctype', '<!DOCTYPE a><noop id="1"/>'],
    ['a comment', '<noop id="1"><!-- x --></noop>'],
    ['two roots', '<noop id="1"/><noop id="2"/>'],
    ['an undefined entity', '<noop id="&boom;"/>'],
    ['mismatched tags', '<noop id="1"></nope>'],
    ['bytes that are not UTF-8', Buffer.from('<noop id="1">\xff</noop>\0', 'latin1')],
    ['a document over the limit', `<noop id="${'x'.repeat(70_000)}"/>`],
    ['nesting over the limit', '<a>'.repeat(100)],
    ['an empty frame', ''],
  ])('%s ends the connection and is recorded', async (_what, bytes) => {
    await boot();
    const client = await dial();
    client.raw(typeof bytes === 'string' ? bytes + '\0' : bytes);
    await client.closed();
    expect(server.strict.violations.join()).toContain('malformed input');
  });

  test('Flash asks for a policy', async () => {
    await boot();
    const client = await dial();
    client.send('<policy-file-request/>');
    expect(await client.until(/policy/)).toContain('<cross-domain-policy>');
  });
});
