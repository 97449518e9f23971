import type { Account } from '../accounts/accounts.ts';
import { ExchangeError, illegalCharacters } from '../base/exchange-error.ts';
import type { JsonObject, JsonValue } from '../base/json-value.ts';
import { amount, Money, ZERO } from '../base/money.ts';
import { openRoute, type Route, signedRoute, type Visit } from '../http/route.ts';
import { SPOT_SYMBOLS } from '../spot/symbols.ts';
import { AMOUNT_RULE, withdrawalRoutes } from './withdrawals.ts';

const ASSETS = ['USDT', ...SPOT_SYMBOLS.map((rules) => rules.baseAsset)];

/** /sapi: the account itself, its assets, transfers and withdrawals. */
export function walletRoutes(): Route[] {
  return [...accountRoutes(), ...assetRoutes(), ...withdrawalRoutes()];
}

function accountRoutes(): Route[] {
  return [
    openRoute('GET /sapi/v1/system/status', { rules: {} }, () => ({ status: 0, msg: 'normal' })),
    signedRoute('GET /sapi/v1/account/apiRestrictions', { rules: {} }, (_visit, account) => ({
      ...account.restrictions,
    })),
    signedRoute('GET /sapi/v1/account/status', { rules: {} }, () => ({ data: 'Normal' })),
  ];
}

/** Balances and transfers. */
function assetRoutes(): Route[] {
  return [
    signedRoute('GET /sapi/v1/capital/config/getall', { weight: 10, rules: {} }, ({ exchange }, account) =>
      ASSETS.map((asset) => coinView(asset, exchange.ledger.balance(account.owner, asset))),
    ),
    signedRoute(
      'POST /sapi/v3/asset/getUserAsset',
      {
        weight: 5,
        rules: { asset: {}, needBtcValuation: { legal: /^(true|false)$/ } },
        permission: 'enableReading',
      },
      ({ exchange, parameters }, account) =>
        [...exchange.ledger.balances(account.owner)]
          .filter(([asset]) => (parameters.get('asset') ?? asset) === asset)
          .map(([asset, { free, locked }]) => ({
            asset,
            free: amount(free),
            locked: amount(locked),
            freeze: amount(ZERO),
            withdrawing: amount(ZERO),
            ipoable: amount(ZERO),
            btcValuation: amount(ZERO),
          })),
    ),
    signedRoute(
      'POST /sapi/v1/asset/dust',
      {
        weight: 10,
        countedBy: 'UID',
        permission: 'enableSpotAndMarginTrading',
        rules: { asset: { mandatory: true, repeatable: true }, accountType: { legal: /^(SPOT|MARGIN)$/ } },
      },
      dustTransfer,
    ),
    signedRoute(
      'POST /sapi/v1/asset/transfer',
      {
        weight: 900,
        countedBy: 'UID',
        permission: 'permitsUniversalTransfer',
        rules: {
          type: { mandatory: true, legal: /^[A-Z_]{1,50}$/ },
          asset: { mandatory: true },
          amount: AMOUNT_RULE,
          fromSymbol: {},
          toSymbol: {},
        },
      },
      transfer,
    ),
  ];
}

function transfer({ exchange, parameters }: Visit, account: Account): JsonValue {
  const type = parameters.need('type');
  const asset = parameters.need('asset');
  const quantity = new Money(parameters.need('amount'));
  const [from, to] = type.split('_');
  const insufficient = new ExchangeError(-5013, 'Asset transfer failed: insufficient balance');
  if (from === 'MAIN') {
    if (exchange.ledger.balance(account.owner, asset).free.lt(quantity)) throw insufficient;
    exchange.ledger.withdraw(account.owner, asset, quantity);
  }
  if (asset === 'USDT' && from === 'UMFUTURE' && !exchange.futures.withdraw(account.owner, quantity))
    throw insufficient;
  if (asset === 'USDT' && to === 'UMFUTURE') exchange.futures.withdraw(account.owner, quantity.neg());
  if (to === 'MAIN') exchange.ledger.deposit(account.owner, asset, quantity);
  return { tranId: exchange.nextTransferId() };
}

function dustTransfer({ exchange, parameters, nowMs }: Visit): JsonValue {
  // The parameter is repeated; Binance's own JavaScript connector sends it once, as a JSON list.
  const assets = parameters.all('asset').flatMap((text) => (text.startsWith('[') ? listOf(text) : [text]));
  const results = assets.map((asset) => {
    if (!ASSETS.includes(asset)) throw new ExchangeError(-9000, `The asset ${asset} is not supported.`);
    return {
      amount: amount(ZERO),
      fromAsset: asset,
      operateTime: nowMs,
      serviceChargeAmount: amount(ZERO),
      tranId: exchange.nextTransferId(),
      transferedAmount: amount(ZERO),
    };
  });
  return { totalServiceCharge: amount(ZERO), totalTransfered: amount(ZERO), transferResult: results };
}

function listOf(text: string): string[] {
  try {
    return (JSON.parse(text) as unknown[]).map(String);
  } catch {
    throw illegalCharacters('asset', 'JSON');
  }
}

function coinView(
  coin: string,
  { free, locked }: { readonly free: Money; readonly locked: Money },
): JsonObject {
  const none = amount(ZERO);
  return {
    coin,
    depositAllEnable: true,
    withdrawAllEnable: true,
    name: coin,
    free: amount(free),
    locked: amount(locked),
    freeze: none,
    withdrawing: none,
    ipoing: none,
    ipoable: none,
    storage: none,
    isLegalMoney: false,
    trading: true,
    networkList: [
      {
        network: 'ETH',
        coin,
        name: 'Ethereum (ERC20)',
        withdrawIntegerMultiple: '0.00000001',
        isDefault: true,
        depositEnable: true,
        withdrawEnable: true,
        depositDesc: '',
        withdrawDesc: '',
        specialTips: '',
        resetAddressStatus: false,
        addressRegex: '^(0x)[0-9A-Fa-f]{40}$',
        memoRegex: '',
        withdrawFee: '0.00010000',
        withdrawMin: '0.00100000',
        withdrawMax: '9000.00000000',
        minConfirm: 6,
        unLockConfirm: 64,
        sameAddress: false,
        busy: false,
        country: '',
      },
    ],
  };
}
