/**
 * The whole scene for live tests and the demo: a real XMPP server, the XIMSS test server, the real bridge as a process
 * with its own Redis, a Jabber user linked to an account, and a far user. Everything is stopped by `dispose`.
 */
import { startBridge, type BridgeOptions, type BridgeProcess, type Tree } from './bridge-process';
import { connect, type ConnectOptions, type JabberClient } from './xmpp/jabber-client';
import type { XmppServer, XmppServerOptions } from './servers';
import { startXimssServer, type Actor, type XimssServer, type XimssServerOptions } from './ximss-server/server';

const farDomain = 'far.test';

export interface RigOptions {
  readonly start: (options?: XmppServerOptions) => Promise<XmppServer>;
  readonly xmpp?: XmppServerOptions;
  readonly ximss?: XimssServerOptions;
  readonly bridge?: Pick<BridgeOptions, 'redis' | 'env' | 'waitReady'>;
  /** Laid over the bridge's configuration. */
  readonly config?: Tree;
  /** How the bridge speaks XIMSS; tcp when left out. */
  readonly binding?: 'tcp' | 'http';
  /** Another port for the bridge to find the servers at: a proxy. */
  readonly ports?: (ports: { component: number; ximss: number }) => Promise<{ component: number; ximss: number }>;
  /** The bridge is not started: `rig.bridge` throws until `startBridge` is called. */
  readonly withoutBridge?: boolean;
}

export interface Rig {
  readonly xmpp: XmppServer;
  readonly ximss: XimssServer;
  readonly bridge: BridgeProcess;
  /** juliet@jabber.test, linked to juliet@far.test by the configuration */
  readonly juliet: { readonly bare: string; login(options?: Partial<ConnectOptions>): Promise<JabberClient> };
  /** romeo@far.test, a far user without a wire */
  readonly romeo: Actor;
  /** romeo as juliet's client knows him */
  readonly ghost: string;
  dispose(): Promise<void>;
}

/** Starts everything; rejects with the reason when a part does not start, and leaves nothing behind. */
export async function startRig(options: RigOptions): Promise<Rig> {
  const undo: (() => Promise<unknown>)[] = [];
  const dispose = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const xmpp = await options.start(options.xmpp);
    undo.push(() => xmpp.dispose());
    const ximss = await startXimssServer({
      domains: [farDomain],
      logCount: 10_000, // a roster of a thousand contacts is as many documents
      accounts: [
        { account: `juliet@${farDomain}`, password: 'far-secret', realName: 'Juliet Capulet' },
        { account: `romeo@${farDomain}`, password: 'far-secret', realName: 'Romeo Montague' },
      ],
      ...options.ximss,
    });
    undo.push(() => ximss.stop());
    await xmpp.register('juliet', 'jabber-secret');
    const isHttp = options.binding === 'http';
    const ports = { component: xmpp.componentPort, ximss: isHttp ? ximss.httpPort : ximss.tcpPort };
    const found = (await options.ports?.(ports)) ?? ports;
    const romeo = ximss.client(`romeo@${farDomain}`);
    const juliet = {
      bare: `juliet@${xmpp.domain}`,
      login: async (over: Partial<ConnectOptions> = {}) => {
        const client = await connect({ server: xmpp, user: 'juliet', password: 'jabber-secret', ...over });
        undo.push(() => client.close());
        return client;
      },
    };
    const bridge = options.withoutBridge
      ? null
      : await startBridge({
          ...options.bridge,
          xmpp: { componentPort: found.component, componentDomain: xmpp.componentDomain, secret: xmpp.secret },
          ximss: { server: `${isHttp ? 'http' : 'ximss'}://127.0.0.1:${found.ximss}`, domain: farDomain },
          config: {
            accounts: [{ jid: juliet.bare, account: `juliet@${farDomain}`, password: 'far-secret' }],
            limits: { messagesPerMinute: 100_000, requestsPerMinute: 100_000 },
            ...options.config,
          },
        });
    if (bridge) undo.push(() => bridge.dispose());
    return {
      xmpp,
      ximss,
      get bridge() {
        if (!bridge) throw new Error('the rig was asked to start without a bridge');
        return bridge;
      },
      juliet,
      romeo,
      ghost: `romeo@${xmpp.componentDomain}`,
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
