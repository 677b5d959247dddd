/** iq, vCard and avatar, files, directory and rooms of the test server. */
import { createHash } from 'node:crypto';
import { alice, bob, makeHarness } from './harness';
import { web } from './http/client';

const { boot, loggedIn, down } = makeHarness();
afterEach(down);

const card = '<vCard xmlns="vcard-temp"><FN>Bob</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>AAEC</BINVAL></PHOTO></vCard>';
const hash = createHash('sha1')
  .update(Buffer.from([0, 1, 2]))
  .digest('hex');
const write = (id: string): string => `<fileWrite id="${id}" type="vcard" fileName="profile.vcf">${card}</fileWrite>`;
const ask = (id: string, peer: string): string =>
  `<iqSend id="${id}" type="get" peer="${peer}" iqid="q${id}"><vCard xmlns="vcard-temp"/></iqSend>`;

describe('iq', () => {
  test('a vCard is answered from the profile, after the response; an empty one when there is none', async () => {
    await boot();
    await (await loggedIn(bob)).ask(write('1'));
    const client = await loggedIn();
    expect(await client.ask(ask('2', bob))).toEqual(['<response id="2"/>']);
    expect(await client.until(/iqRead/)).toBe(`<iqRead peer="${bob}" type="result" iqid="q2">${card}</iqRead>`);
    await client.ask(ask('3', alice));
    expect(await client.until(/q3"/)).toBe(
      `<iqRead peer="${alice}" type="result" iqid="q3"><vCard xmlns="vcard-temp"/></iqRead>`,
    );
  });

  test('another iq goes to the client of the peer, its answer comes back to the session that asked', async () => {
    const server = await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    await client.ask(`<iqSend id="1" type="set" peer="${bob}" iqid="a"><query xmlns="jabber:iq:version"/></iqSend>`);
    expect(far.of('iq')).toMatchObject([{ peer: alice, type: 'set', iqid: 'a' }]);
    far.iqSend('result', alice, 'a');
    expect(await client.until(/iqRead/)).toBe(`<iqRead peer="${bob}" type="result" iqid="a"/>`);
    far.iqSend('result', alice, 'a');
    expect(server.strict.violations).toEqual([`${bob}: iqSend: result for an unknown iqid`]);
  });

  test('vCard requests are relayed in the other reading', async () => {
    const server = await boot({ dialect: { vCard: 'relay' } });
    const far = server.client(bob);
    await (await loggedIn()).ask(ask('1', bob));
    expect(far.of('iq')).toHaveLength(1);
  });

  test.each([
    ['an error comes back when nobody is there', {}, /^<response id="1"\/>$/, true],
    ['or the request is refused', { iqNobody: 'refuse' as const }, /no client is available/, false],
  ])('%s', async (_what, dialect, expected, comesBack) => {
    await boot({ dialect });
    const client = await loggedIn();
    expect(await client.ask(`<iqSend id="1" type="get" peer="${bob}" iqid="a"><q/></iqSend>`)).toEqual([
      expect.stringMatching(expected),
    ]);
    if (comesBack) expect(await client.until(/iqRead/)).toMatch(/type="error" iqid="a"><q\/><error type="cancel">/);
  });

  test.each([
    ['an unknown account', ask('1', 'no@x.dom'), /unknown user account/],
    ['a remote one', ask('1', 'no@far.dom'), /relaying/],
    ['no payload', `<iqSend id="1" type="get" peer="${bob}" iqid="a"/>`, /payload/],
    ['no iqid', `<iqSend id="1" type="get" peer="${bob}"><q/></iqSend>`, /iqid/],
    ['no type', `<iqSend id="1" peer="${bob}" iqid="a"><q/></iqSend>`, /type/],
  ])('%s is refused', async (_what, request, expected) => {
    await boot();
    expect(await (await loggedIn()).ask(request)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('profile and files', () => {
  test('writing a profile shows the avatar hash to contacts; removing takes it away', async () => {
    const server = await boot();
    const far = server.client(bob);
    const near = server.client(alice);
    near.subscribe(bob);
    far.subscribed(alice);
    far.setPresence('online');
    const client = await loggedIn(bob);
    await client.ask(write('1'));
    await client.ask('<fileRemove id="2" fileName="profile.vcf"/>');
    const shown = near.of('presence').map((item) => JSON.stringify(item.element.children).includes(hash));
    expect(shown).toEqual([false, true, false]);
  });

  test.each([
    ['both', /iq:avatar"><hash>[^]*x:update"><photo>/],
    ['avatar', /^(?!.*x:update).*<x xmlns="jabber:iq:avatar"><hash>/],
    ['vcard', /^(?!.*iq:avatar).*<x xmlns="vcard-temp:x:update"><photo>/],
    ['none', /^(?!.*<x )/],
  ] as const)('avatar hash forms: %s', async (avatarHash, expected) => {
    const server = await boot({ dialect: { avatarHash } });
    const far = server.client(bob);
    server.client(alice).subscribe(bob);
    far.subscribed(alice);
    far.setPresence('online');
    await (await loggedIn(bob)).ask(write('1'));
    const client = await loggedIn();
    expect(await client.until(/^<presence/)).toMatch(expected);
  });

  test('own profile, text in parts, binary, list, remove', async () => {
    const server = await boot();
    const client = await loggedIn();
    expect(await client.ask('<fileRead id="1" type="vcard" fileName="profile.vcf"/>')).toEqual([
      expect.stringContaining('errorText="file is not found"'),
    ]);
    await client.ask(write('2'));
    expect((await client.ask('<fileRead id="3" type="vcard" fileName="profile.vcf"/>'))[0]).toMatch(
      new RegExp(
        `^<fileData id="3" fileName="profile.vcf" type="vcard" size="\\d+" timeModified="\\d{8}T\\d{6}">${card}</fileData>$`,
      ),
    );
    await client.ask('<fileDirCreate id="4" fileName="notes"/>');
    await client.ask('<fileWrite id="5" fileName="notes/a.txt">0123456789</fileWrite>');
    expect((await client.ask('<fileRead id="6" fileName="notes/a.txt" position="2" limit="3"/>'))[0]).toMatch(
      /position="2" slice="3" size="10" timeModified="[^"]*">234<\/fileData>$/,
    );
    expect((await client.ask('<fileRead id="7" fileName="notes/a.txt" type="binary" limit="3"/>'))[0]).toContain(
      '<base64>MDEy</base64>',
    );
    expect((await client.ask('<fileList id="8" directory="notes"/>'))[0]).toMatch(
      /^<fileInfo id="8" directory="notes" fileName="a.txt" size="10" timeModified="[^"]*"\/>$/,
    );
    expect(await client.ask('<fileList id="9" fileName="profile.vcf"/>')).toHaveLength(2);
    expect(await client.ask('<fileRemove id="10" fileName="notes/a.txt"/>')).toEqual(['<response id="10"/>']);
    expect(server.strict.violations).toEqual([]);
  });

  test.each(['../x', '/etc/passwd', '~bob@x.dom/a', 'a//b', ''])('the name "%s" is refused', async (name) => {
    await boot();
    expect((await (await loggedIn()).ask(`<fileRead id="1" fileName="${name}"/>`))[0]).toContain('fileName');
  });

  test('an upload over HTTP is written by its name', async () => {
    const server = await boot();
    const client = await loggedIn();
    const urlID = server.sessions()[0]?.urlID ?? '';
    const body = '--B1\r\nContent-Disposition: form-data; name="fileData"; filename="x"\r\n\r\nbytes\r\n--B1--\r\n';
    const answer = await web(server.httpPort, 'POST', `/Session/${urlID}/UPLOAD/up1`, {
      body,
      type: 'multipart/form-data; boundary=B1',
    });
    expect(answer.status).toBe(200);
    await client.ask('<fileWrite id="1" fileName="x.txt" uploadID="up1"/>');
    expect(server.account(alice).files.get('x.txt')?.content.toString()).toBe('bytes');
  });

  test('the server keeps a history file per peer when told to', async () => {
    const server = await boot({ imHistory: true });
    const client = await loggedIn();
    await client.ask(`<sendIM id="1" peer="${bob}">a\nb</sendIM>`);
    const text = (owner: string, peer: string): string =>
      server.account(owner).files.get(`private/IM/${peer}.log`)?.content.toString() ?? '';
    expect(text(alice, bob)).toMatch(/^\d{8}T\d{6} >[^<]*\ta\\eb\n$/);
    expect(text(bob, alice)).toMatch(/^\d{8}T\d{6} < \ta\\eb\n$/);
  });
});

describe('directory', () => {
  const list = (filter: string, limit = ''): string =>
    `<listDirectory id="1" filter="${filter}"${limit}><field>cn</field><field>mail</field></listDirectory>`;

  test.each([
    ['(mail=bob*)', [bob]],
    ['(|(cn=ALICE)(mail=b*b@x.dom))', [alice, bob]],
    ['(&amp;(mail=*@x.dom)(!(uid=carol))(cn=*))', [alice, bob]],
    ['(uid=\\62ob)', [bob]],
    ['(mail=nobody)', []],
  ])('%s', async (filter, expected) => {
    await boot();
    const answer = await (await loggedIn()).ask(list(filter));
    expect(answer.slice(0, -1).map((doc) => /<mail>(.*)<\/mail>/.exec(doc)?.[1])).toEqual(expected);
    expect(answer.at(-1)).toBe('<response id="1"/>');
  });

  test('the limit, and what is no filter', async () => {
    await boot();
    const client = await loggedIn();
    expect(await client.ask(list('(mail=*)', ' limit="2"'))).toHaveLength(3);
    for (const wrong of ['', 'mail=x', '(mail=x', '(mail=x))', '((((', `${'(!'.repeat(500)}(a=b)${')'.repeat(500)}`]) {
      expect((await client.ask(list(wrong)))[0]).toContain('filter');
    }
  });
});

describe('rooms', () => {
  test('off by default; on: enter, speak, leave', async () => {
    const server = await boot({ dialect: { rooms: true } });
    const far = server.client(bob);
    const client = await loggedIn();
    const enter = (id: string, value: string): string =>
      `<presenceSet id="${id}" peer="room@x.dom"><presence>${value}</presence></presenceSet>`;
    expect((await client.ask('<sendIM id="0" type="groupchat" peer="room@x.dom">a</sendIM>'))[0]).toContain('rooms');
    await client.ask(enter('1', 'online'));
    far.request('presenceSet', { peer: 'room@x.dom' }, { name: 'presence', attrs: {}, children: ['online'] });
    expect(await client.until(/clientID="Bob"/)).toContain('<presence peer="room@x.dom" clientID="Bob">');
    far.sendIM('room@x.dom', 'hello', { type: 'groupchat' });
    expect(await client.until(/readIM/)).toMatch(/peer="room@x.dom" type="groupchat" clientID="Bob"/);
    await client.ask(enter('2', 'offline'));
    expect(far.received.at(-1)).toMatchObject({ kind: 'presence', type: 'unavailable' });
    far.close();
    expect(server.world.rooms.size).toBe(0);
  });
});
