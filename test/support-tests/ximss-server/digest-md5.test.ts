/** DIGEST-MD5 of the test server. */
import { createHash } from 'node:crypto';
import { makeHarness, password } from './harness';
import type { WireClient } from './tcp/client';

const { boot, dial, down } = makeHarness();
afterEach(down);

describe('DIGEST-MD5', () => {
  const md5 = (data: string | Buffer): Buffer => createHash('md5').update(data).digest();
  async function digest(client: WireClient, secret: string): Promise<{ value: string; rspauth: string }> {
    client.send('<login id="d" method="DIGEST-MD5"/>');
    const challenge = await client.until(/^<challenge id="d"/);
    const text = Buffer.from(/value="([^"]*)"/.exec(challenge)?.[1] ?? '', 'base64').toString();
    const nonce = /nonce="([^"]*)"/.exec(text)?.[1] ?? '';
    expect(text).toBe(`realm="x.dom",nonce="${nonce}",qop="auth",algorithm=md5-sess,charset=utf-8`);
    const a1 = md5(Buffer.concat([md5(`alice:x.dom:${secret}`), Buffer.from(`:${nonce}:cn`)])).toString('hex');
    const proof = (a2: string): string =>
      md5(`${a1}:${nonce}:00000001:cn:auth:${md5(a2).toString('hex')}`).toString('hex');
    const reply = `username="alice",realm="x.dom",nonce="${nonce}",cnonce="cn",nc=00000001,qop=auth,digest-uri="ximss/x.dom",response=${proof('AUTHENTICATE:ximss/x.dom')},charset=utf-8`;
    return { value: Buffer.from(reply).toString('base64'), rspauth: `rspauth=${proof(':ximss/x.dom')}` };
  }

  test('the server proves itself in a second challenge; one response at the end', async () => {
    await boot();
    const client = await dial();
    const { value, rspauth } = await digest(client, password);
    const from = client.docs.length;
    client.send(`<auth id="d" value="${value}"/>`);
    const second = await client.until(/^<challenge id="d"/, from);
    expect(Buffer.from(/value="([^"]*)"/.exec(second)?.[1] ?? '', 'base64').toString()).toBe(rspauth);
    expect(await client.ask('<auth id="d" value=""/>')).toEqual([
      expect.stringMatching(/^<session/),
      '<response id="d"/>',
    ]);
    expect(client.docs.filter((doc) => doc.startsWith('<response'))).toHaveLength(1);
  });

  test('a wrong password is refused; without rspauth the session follows at once', async () => {
    await boot({ dialect: { rspauth: 'none' } });
    const client = await dial();
    const wrong = await digest(client, 'wrong');
    expect((await client.ask(`<auth id="d" value="${wrong.value}"/>`))[0]).toContain('535');
    const other = await dial();
    const right = await digest(other, password);
    expect(await other.ask(`<auth id="d" value="${right.value}"/>`)).toHaveLength(2);
  });
});
