const SPOT_SECRET = 'NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j';
const FUTURES_SECRET = '2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9';
const ED25519_KEY =
  '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGUIKv9dSpWXBViXp2m6vAIb8QMFJYBgyFEQsFJlqgA0=\n-----END PUBLIC KEY-----\n';
const RSA_KEY =
  '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoUBnvSDJoiQuvDkgL1A4\nQJgl87HssU6hr5hStGYBqeWM4HV8noMMHiWSKPsMT78QOL7ZyUYY0i3IwCUYf4Su\nWdUh2YNoN7c3eux/oX8nHzjq72DMMeCgBcMVBD9iINMXDDk2aTa8tR8w7jyBnD7n\n5EGlbxe68qg3GnV4GVzI+gEFs3E4xjX2F6utMALTX6vCBMEievsjvbVeUX4Il1Hb\n8K7qPbvC+LnrrhdJxhDlIyTx2Iomke3I+0ayhF7J4UBrU4A9DBqHX7HCqS0zQoib\nXCaFEMR90QSkdAzLhlMvl/+SUYsHUI+ozg2TPGhKBlgelbkov5n8JRUcEUKfiy5h\niQIDAQAB\n-----END PUBLIC KEY-----\n';

/** One signature over one payload: published by Binance, or made from its payloads with the key it published (`SELF`). */
export interface SignatureVector {
  readonly id: string;
  readonly key: 'hmac' | 'public';
  readonly material: string;
  readonly payload: string;
  readonly signature: string;
}
/** @see https://github.com/binance/binance-spot-api-docs (rest-api.md, web-socket-api.md, fix-api.md) */
export const SIGNATURE_VECTORS: readonly SignatureVector[] = [
  {
    id: 'hmac-rest-ascii',
    key: 'hmac',
    material: SPOT_SECRET,
    payload:
      'symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559',
    signature: 'c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71',
  },
  {
    id: 'hmac-rest-unicode',
    key: 'hmac',
    material: SPOT_SECRET,
    payload:
      'symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559',
    signature: 'e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3',
  },
  {
    id: 'hmac-rest-mixed',
    key: 'hmac',
    material: SPOT_SECRET,
    payload:
      'symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559',
    signature: '0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77',
  },
  {
    id: 'hmac-ws-ascii',
    key: 'hmac',
    material: SPOT_SECRET,
    payload:
      'apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT',
    signature: 'aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24',
  },
  {
    id: 'hmac-ws-unicode',
    key: 'hmac',
    material: SPOT_SECRET,
    payload:
      'apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=0.10000000&quantity=1.00000000&recvWindow=5000&side=BUY&symbol=１２３４５６&timeInForce=GTC&timestamp=1645423376532&type=LIMIT',
    signature: 'b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd',
  },
  {
    id: 'hmac-ws-newOrderRespType',
    key: 'hmac',
    material: SPOT_SECRET,
    payload:
      'apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&newOrderRespType=ACK&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT',
    signature: 'cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a',
  },
  {
    id: 'hmac-fapi',
    key: 'hmac',
    material: FUTURES_SECRET,
    payload:
      'symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943',
    signature: '3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9',
  },
  {
    id: 'hmac-fapi-mixed',
    key: 'hmac',
    material: FUTURES_SECRET,
    payload:
      'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=9000&recvWindow=5000&timestamp= 1591702613943',
    signature: 'f9d0ae5e813ef6ccf15c2b5a434047a0181cb5a342b903b367ca6d27a66e36f2',
  },
  {
    id: 'hmac-dapi-mixed',
    key: 'hmac',
    material: FUTURES_SECRET,
    payload:
      'symbol=BTCUSD_200925&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=9000&recvWindow=5000&timestamp= 1591702613943',
    signature: 'f3129e7c72c7727037891ad8a86b76a7dc514ba125a536775c8ba403b2d1b222',
  },
  {
    id: 'ed25519-fix-logon',
    key: 'public',
    material: ED25519_KEY,
    payload: 'A\u0001EXAMPLE\u0001SPOT\u00011\u000120240627-11:17:25.223',
    signature: '4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA==',
  },
  {
    id: 'ed25519-rest-ascii-SELF',
    key: 'public',
    material: ED25519_KEY,
    payload:
      'symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000',
    signature: 'inDT086KVIP8vgUfw5sV3VTkescWztiAGlf4x8FLKHM4NInsn0c1kYVLoGMO8cyjfR6vmTku2YQE0gtfVVlfCw==',
  },
  {
    id: 'ed25519-rest-unicode-SELF',
    key: 'public',
    material: ED25519_KEY,
    payload:
      'symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000',
    signature: 'vECjNXSlVOz1DskXXQ866KhikKY8cxajBXKAU0COlYYemqEr45TXiRS/jNB3LyHHh48pu7z2S6pTFhmhWNRBBw==',
  },
  {
    id: 'ed25519-rest-mixed-SELF',
    key: 'public',
    material: ED25519_KEY,
    payload:
      'symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559',
    signature: '2pXDIYPNs4esiq6kcFM3fr/mNpZhER/K5FrvoahNnYcX1bd0ZE9Is+O5vUdVUcUKuG8kae/kNqmDnDtghivWBA==',
  },
  {
    id: 'ed25519-ws-ascii-SELF',
    key: 'public',
    material: ED25519_KEY,
    payload:
      'apiKey=4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT',
    signature: '82wlF5RobwT7JZehRQgOaupNEm5GrAqJj5tqZeCCE6ZxkhlUbWBThOx00q3FVnCKn882P+9p85phztjk4bOMAQ==',
  },
  {
    id: 'ed25519-ws-unicode-SELF',
    key: 'public',
    material: ED25519_KEY,
    payload:
      'apiKey=4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO&price=0.10000000&quantity=1.00000000&recvWindow=5000&side=BUY&symbol=１２３４５６&timeInForce=GTC&timestamp=1645423376532&type=LIMIT',
    signature: 'c54NpyUZhXB0TQWxM60+OHcwRu50TfjPg5I3J3mPeFasLGjHZnuNGE6Ych+fRF6te6sr6URRF4lxUmYXbQ/rCA==',
  },
  {
    id: 'ed25519-ws-logon-SELF',
    key: 'public',
    material: ED25519_KEY,
    payload:
      'apiKey=4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO&timestamp=1649729878532',
    signature: 'cGkloHLHGGNbrduoWDYBlzIPwRHyDVYVfCE0rDkPwKdKedurBgm2JNWRkwloQDBFG6Mcloavo1siYfEtZbV/Ag==',
  },
  {
    id: 'rsa-rest-ascii-SELF',
    key: 'public',
    material: RSA_KEY,
    payload:
      'symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000',
    signature:
      'Guqw5KLPISfqBy9XSDHwYKJYmmJ3d6fs1iX38zB+qIEkUj0wbHSWHXehicWncgkB9L+c6IRwcrJSFvGAa3a69+2wCoO2Wb1RgX4uUIvSNeEhTuMyaXjazf89fWIWa1vanar1twhBf/qulsgD/aYmbBnYQvsBIelH/pqG1k9qYneYFkfPhIhuhMyglf4GYk0bUz7a0fSyXOXcleydQD3bXwH+I2pbuIJuGj+H8yisdSofm9oZtRCuoCnoan1ZP1/gm/eqwuPAgMgVNk+MhSOsbXztgfuFGchhLe5xVhWvhH0kcLOen3rqc4J537fYQuqFEvWJ37pyZC5/G9BQTUPj8g==',
  },
  {
    id: 'rsa-rest-unicode-SELF',
    key: 'public',
    material: RSA_KEY,
    payload:
      'symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000',
    signature:
      'OU4l9y9qDV3UumldafD7pj6BavQck6WK7q0nF07dK8WzkfA25JRYfI3+WE6jdrt6vZlops1kHtIdwthXh63ATvvoU5hsQLyvo5IIjDEBBnvCSxry2wM07OgmFvwhQ1Su1LyMsqdwKQw2e4XEdsU6baVtyiFSJ3Z9gl+awgfAkvT8Iy27hKb4oFfHEpEjWcbqf1bwb1SzHWeWLFIX7jUwwLQQsUY1twAehSMCLUsY2eikdfoA5rQgYukhvh72/WYc1bVi53VRpJYFwql+G8qhkAJAVec/Ch3AckeimOqORZ/WFYTnjZVolqC8Br3oJ8dzNn7zqad160rwSBJWlIcnJA==',
  },
  {
    id: 'rsa-ws-unicode-SELF',
    key: 'public',
    material: RSA_KEY,
    payload:
      'apiKey=CAvIjXy3F44yW6Pou5k8Dy1swsYDWJZLeoK2r8G4cFDnE9nosRppc2eKc1T8TRTQ&price=0.10000000&quantity=1.00000000&recvWindow=5000&side=BUY&symbol=１２３４５６&timeInForce=GTC&timestamp=1645423376532&type=LIMIT',
    signature:
      'XFFu0i8JXrTixhABdwgU47TdOCyjOLQTHlBKtkYFpTZZuBF8CJMZjhA+VCOoVFAOsydEHfCS8z4tnQLI6HgJ5t0mwg3LRui4zLHy9G0QYLuxQE0OGPiZ7ESSQH876CFHGhJu6vj/Gsx7//99sofIlEaJjd9FzBP3CZy3NfWUtYR2p3IQO3WgQC2A5RmAWBn5oewpMWvN/QAc+NsrrNMZbMebKddis2X8APy9MlQgsfAjH0hyZCEq7i60ls8+HE0jlDgiKnXsO4DcGJfmRzRrGpKtvIhHfMUqsew91l/7Y7Ys75mUKkx0LUTAkkvjJzw9q7EC/ed+wLVL8+rnoBO2/A==',
  },
];
