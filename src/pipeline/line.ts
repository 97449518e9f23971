import type { AuditTrail } from '../audit/trail.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { Catalogue } from '../core/catalogue/catalogue.ts';
import type { Metrics } from '../operator/metrics.ts';
import type { Status } from '../operator/status.ts';
import type { OrderLimits } from '../orders/order-limits.ts';
import type { OrderResolver } from '../orders/resolver.ts';
import type { CallsUnderWay } from '../upstream/calls-under-way.ts';
import type { KeyGate } from '../upstream/key-gate.ts';
import type { ServerClock } from '../upstream/server-clock.ts';
import type { Timeouts } from '../upstream/timeouts.ts';
import type { OpenSockets } from '../websocket/sockets/open-sockets.ts';
import type { ReplayGuard } from './clients/replay-guard.ts';
import type { LiveConfig } from './live-config.ts';
import type { CallRecorder } from './recorder.ts';

/** Everything that one call meets on its way. Built once by the command, handed to the route. */
export interface Line {
  readonly snapshot: () => LiveConfig;
  readonly catalogue: Catalogue;
  readonly clock: ServerClock;
  readonly budgets: Budgets;
  readonly guard: OrderLimits;
  readonly gate: KeyGate;
  readonly resolver: OrderResolver;
  readonly replays: ReplayGuard;
  readonly trail: AuditTrail;
  readonly recorder: CallRecorder;
  readonly metrics: Metrics;
  readonly status: () => Status;
  /** How many WebSocket connections of apps are open. */
  readonly openSockets: () => number;
  /** These connections themselves. */
  readonly sockets: OpenSockets;
  readonly underWay: CallsUnderWay;
  readonly timeouts: Timeouts;
  readonly nextRequestId: () => string;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  /** True from SIGTERM on: what comes now is refused, what is under way is finished. */
  readonly stopping: () => boolean;
}
