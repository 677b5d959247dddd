/** What does one command of core/admin/table.ts: its shape, shared by the files of this folder. Types only. */
import type { AdminInput, AdminName } from '../../core/admin/table';
import type { AdminOutputs } from '../ports';

export type Handler<N extends AdminName> = (
  input: AdminInput<N>,
  signal: AbortSignal,
) => AdminOutputs[N] | Promise<AdminOutputs[N]>;

export type Handlers<N extends AdminName> = { readonly [K in N]: Handler<K> };
