import { maskConfig } from '../../src/config';
import { base, load } from './given';

describe('maskConfig', () => {
  test('shows everything but the secrets', () => {
    const accounts = [{ jid: 'a@b.c', account: 'a@d.e', password: 'hunter2' }];
    const config = load({
      yaml: { ...base, accounts, http: { token: 'hunter2' }, redis: { url: 'redis://u:hunter2@h:6379/1' } },
    });
    const shownConfig = maskConfig(config);
    expect(JSON.stringify(shownConfig)).not.toMatch(/hunter2|s3cret/);
    expect(shownConfig).toMatchObject({
      xmpp: { domain: 'ximss.example.org', secret: '********' },
      accounts: [{ jid: 'a@b.c', account: 'a@d.e', password: '********' }],
      redis: { url: 'redis://u:********@h:6379/1' },
    });
    expect(Object.keys(shownConfig as object)).toEqual(Object.keys(config)); // an object in, an object out
  });
});
