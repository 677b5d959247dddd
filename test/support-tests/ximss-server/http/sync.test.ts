/** Numbered requests over HTTP (docs/XIMSS.md 3.2). */
import { alice, bob } from '../harness';
import { type WebAnswer } from './client';
import { boot, bound, down, get, login, post, server, ximssDocument } from './harness';

afterEach(down);

describe('sync and async', () => {
  test('one answer, data before its response, responses in request order, CR LF behind', async () => {
    await boot();
    const session = await login();
    const answer = await post(
      `${session}sync?reqSeq=1&random=5`,
      ximssDocument('<noop id="1"/>', '<readTime id="2"/>', '<what id="3"/>'),
      'application/json',
    );
    expect(answer.headers['content-type']).toBe('text/xml;charset=utf-8');
    expect(answer.body).toMatch(
      /^<XIMSS><response id="1"\/><currentTime id="2" [^>]*\/><response id="2"\/><response id="3" errorText="unknown command" errorNum="500"\/><\/XIMSS>\r\n$/,
    );
    expect((await post(`${session}sync?reqSeq=2`, ximssDocument())).body).toBe('<XIMSS/>\r\n');
  });

  test('a repeated number gets the stored answer, the request is not done twice', async () => {
    await boot();
    const far = server.client(bob);
    const session = await login();
    const body = ximssDocument(`<sendIM id="1" peer="${bob}">once</sendIM>`);
    const first = await post(`${session}sync?reqSeq=1`, body);
    const second = await post(`${session}sync?reqSeq=1`, body);
    expect(second.body).toBe(first.body);
    expect(far.of('im')).toHaveLength(1);
  });

  test.each([
    ['skipped', [1, 3]],
    ['gone back', [1, 2, 1]],
    ['begun at 2', [2]],
  ])('a number %s is a sequence error', async (_what, numbers) => {
    await boot();
    const session = await login();
    let answer: WebAnswer | undefined;
    for (const number of numbers)
      answer = await post(`${session}sync?reqSeq=${number}`, ximssDocument('<noop id="1"/>'));
    expect(answer).toMatchObject({ status: 500, body: 'XIMSS request sequence error' });
    expect(server.strict.violations).toEqual([`${alice}: sync: wrong reqSeq`]);
  });

  test('numbers may begin at 0, or be missing (recorded); the error may be XML', async () => {
    await boot({ dialect: { sequenceError: 'xml' } });
    const session = await login();
    expect((await post(`${session}sync?reqSeq=0`, ximssDocument('<noop id="1"/>'))).body).toContain(
      '<response id="1"/>',
    );
    expect((await post(`${session}sync`, ximssDocument('<noop id="2"/>'))).body).toContain('<response id="2"/>');
    expect((await post(`${session}sync?reqSeq=7`, ximssDocument('<noop id="3"/>'))).body).toContain(
      'XIMSS request sequence error',
    );
    expect(server.strict.violations).toEqual([`${alice}: sync: no reqSeq`, `${alice}: sync: wrong reqSeq`]);
  });

  test('async answers nothing; the responses come through the get', async () => {
    await boot();
    const session = await login();
    const answer = await post(`${session}async?reqSeq=1`, ximssDocument('<noop id="1"/>', '<readTime id="2"/>'));
    expect(answer).toMatchObject({ status: 200, body: '' });
    expect((await get(`${session}get?ackSeq=0&maxWait=5`)).body).toMatch(
      /^<XIMSS respSeq="1"><response id="1"\/><currentTime id="2"[^>]*\/><response id="2"\/><\/XIMSS>\r\n$/,
    );
  });

  test('syncAsync brings what is pending, also with the last request', async () => {
    await boot();
    const session = await bound();
    server.client(bob).sendIM(alice, 'pending');
    const answer = await post(`${session}sync?reqSeq=2&syncAsync=1`, ximssDocument('<bye id="1"/>'));
    expect(answer.body).toMatch(/<response id="1"\/><readIM peer="bob@x.dom".*pending/);
    expect((await get(session)).status).toBe(550);
  });

  test.each([
    ['malformed XML', '<XIMSS><noop</XIMSS>'],
    ['another root', '<noop id="1"/>'],
    ['a doctype', '<!DOCTYPE x><XIMSS/>'],
  ])('%s is a 400 and takes no number', async (_what, body) => {
    await boot();
    const session = await login();
    expect((await post(`${session}sync?reqSeq=1`, body)).status).toBe(400);
    expect((await post(`${session}sync?reqSeq=1`, ximssDocument('<noop id="1"/>'))).status).toBe(200);
  });

  test('a body over the limit is refused', async () => {
    await boot({ maxDocumentBytes: 1000 });
    const session = await login();
    expect((await post(`${session}sync?reqSeq=1`, ximssDocument('x'.repeat(2000)))).status).toBe(413);
  });
});
