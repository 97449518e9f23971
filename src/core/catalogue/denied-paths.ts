/** What a denied endpoint would do: let value leave the account, or change keys, accounts and legal standing. */
export type DeniedGrade = 'WITHDRAW' | 'KEY_ADMIN';

export interface DeniedGroup {
  readonly grade: DeniedGrade;
  readonly reason: string;
  /** Literal paths; the version stands for every version. A trailing `/**` stands for the rest. */
  readonly paths: readonly string[];
}

const PREDICTION = '/sapi/v1/w3w/wallet/prediction';

/**
 * The built-in denylist: no configuration takes from it. Retired, unlisted and partner endpoints are kept on it,
 * because Binance has revived paths before.
 */
export const DENIED_GROUPS: readonly DeniedGroup[] = [
  {
    grade: 'WITHDRAW',
    reason: 'crypto withdrawal',
    paths: [
      '/sapi/v1/capital/withdraw/apply',
      '/sapi/v1/localentity/withdraw/apply',
      '/sapi/v1/localentity/broker/withdraw/apply',
      '/wapi/**',
    ],
  },
  { grade: 'WITHDRAW', reason: 'fiat withdrawal to a bank account', paths: ['/sapi/v2/fiat/withdraw'] },
  {
    grade: 'WITHDRAW',
    reason: 'turns balance into a gift card code that anyone can redeem',
    paths: ['/sapi/v1/giftcard/createCode', '/sapi/v1/giftcard/buyCode'],
  },
  {
    grade: 'WITHDRAW',
    reason: 'resells hash power: the mining income goes to another account',
    paths: ['/sapi/v1/mining/hash-transfer/config'],
  },
  {
    grade: 'WITHDRAW',
    reason: 'moves or spends balance into the on-chain prediction wallet',
    paths: [
      `${PREDICTION}/transfer/outbound`,
      `${PREDICTION}/withdraw/apply`,
      `${PREDICTION}/trade/place-order-bundle`,
    ],
  },
  {
    grade: 'WITHDRAW',
    reason: 'OTC or block trade at a negotiated price with a chosen counterparty, or its settlement key',
    // Reads too: an answer may hold the key, which is all that a counterparty needs to take the trade.
    paths: [
      `${PREDICTION}/otc/**`,
      '/eapi/v1/block/order/create',
      '/eapi/v1/block/order/execute',
      '/eapi/v1/block/order/orders',
      '/sapi/v1/block-match/**',
    ],
  },
  {
    grade: 'WITHDRAW',
    reason: 'switches instant withdrawals to other Binance users',
    paths: [
      '/sapi/v1/account/enableFastWithdrawSwitch',
      '/sapi/v1/account/disableFastWithdrawSwitch',
      // Without /account: the mistaken path of a popular library.
      '/sapi/v1/enableFastWithdrawSwitch',
      '/sapi/v1/disableFastWithdrawSwitch',
    ],
  },
  {
    grade: 'KEY_ADMIN',
    reason: 'changes the IP whitelist of the API key',
    paths: [
      '/sapi/v1/account/apiRestrictions/ipRestriction',
      '/sapi/v1/account/apiRestrictions/ipRestriction/ipList',
      '/sapi/v1/vip/vip-portal/futures/ip-whitelists',
    ],
  },
  {
    grade: 'KEY_ADMIN',
    reason: 'changes the fee groups and their members of a partner that resells access',
    paths: ['/sapi/v1/vip/caas/**'],
  },
  {
    grade: 'KEY_ADMIN',
    reason: 'creates, changes, deletes or discloses API keys of sub-accounts',
    paths: [
      '/sapi/v1/sub-account/subAccountApi',
      '/sapi/v1/sub-account/subAccountApiPermission',
      '/sapi/v1/sub-account/subAccountApi/ipRestriction',
      '/sapi/v1/sub-account/subAccountApi/ipRestriction/ipList',
    ],
  },
  {
    grade: 'KEY_ADMIN',
    reason: 'creates, changes, deletes or discloses special keys of margin accounts',
    paths: [
      '/sapi/v1/margin/apiKey',
      '/sapi/v1/margin/apiKey/ip',
      '/sapi/v1/margin/api-key-list',
      '/sapi/v1/margin/exit-special-key-mode',
    ],
  },
  {
    grade: 'KEY_ADMIN',
    reason: 'creates a sub-account or enables a product for one',
    paths: [
      '/sapi/v1/sub-account/virtualSubAccount',
      '/sapi/v1/sub-account/blvt/enable',
      '/sapi/v1/sub-account/eoptions/enable',
      '/sapi/v1/sub-account/futures/enable',
      '/sapi/v1/sub-account/margin/enable',
      '/sapi/v1/sub-account/options/enable',
    ],
  },
  {
    grade: 'KEY_ADMIN',
    reason: 'closes a risk unit of an institutional loan or changes its accounts',
    paths: ['/sapi/v1/margin/loan-group', '/sapi/v1/margin/loan-group/edit-member'],
  },
  {
    grade: 'KEY_ADMIN',
    reason: 'creates, changes or deletes sub-accounts of a link partner',
    paths: [
      '/sapi/v1/broker/subAccount',
      '/sapi/v1/broker/subAccount/blvt',
      '/sapi/v1/broker/subAccount/bnbBurn/marginInterest',
      '/sapi/v1/broker/subAccount/bnbBurn/spot',
      '/sapi/v1/broker/subAccount/convert',
      '/sapi/v1/broker/subAccount/futures',
      '/sapi/v1/broker/subAccount/margin',
    ],
  },
  {
    grade: 'KEY_ADMIN',
    reason: 'creates, changes or deletes API keys, permissions and commissions of a link partner',
    paths: [
      '/sapi/v1/broker/subAccountApi',
      '/sapi/v1/broker/subAccountApi/commission',
      '/sapi/v1/broker/subAccountApi/commission/coinFutures',
      '/sapi/v1/broker/subAccountApi/commission/futures',
      '/sapi/v1/broker/subAccountApi/ipRestriction',
      '/sapi/v1/broker/subAccountApi/ipRestriction/ipList',
      '/sapi/v1/broker/subAccountApi/permission',
      '/sapi/v1/broker/subAccountApi/permission/universalTransfer',
      '/sapi/v1/broker/subAccountApi/permission/vanillaOptions',
    ],
  },
  {
    grade: 'KEY_ADMIN',
    reason: 'changes referral attribution',
    paths: [
      '/sapi/v1/apiReferral/customization',
      '/sapi/v1/apiReferral/userCustomization',
      '/fapi/v1/apiReferral/customization',
      '/fapi/v1/apiReferral/userCustomization',
      '/dapi/v1/apiReferral/customization',
      '/papi/v1/apiReferral/userCustomization',
    ],
  },
  {
    grade: 'KEY_ADMIN',
    reason: 'signs a legal agreement for the account',
    paths: [
      '/sapi/v1/equity/account/disclaimer',
      '/fapi/v1/stock/contract',
      '/eapi/v1/stock/contract',
      '/papi/v1/um/stock/contract',
    ],
  },
];
