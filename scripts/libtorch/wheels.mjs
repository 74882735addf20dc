import { LIBTORCH_VERSION } from './archives.mjs'

/** @typedef {{ readonly name: string, readonly version: string, readonly sha256: string }} Wheel */

// Wheels that hold libtorch, with their SHA-256: pip opens no other. Only the libraries and headers in them are taken, so one
// Python's wheel will do whichever Python is there, and it is always the same.

/** Of CPython 3.11. The CPU builds for Linux are on PyTorch's own index alone, the others on PyPI. */
const TORCH = /** @type {Record<string, string>} */ ({
  'linux-x64 cpu': '6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b',
  'linux-arm64 cpu': '84453b69508ec79902f899c5ed9495acb9e2bbe9fda5f1d5d6f19e3c3842e1a7',
  'darwin-arm64 cpu': 'e76f9bcecc52b8ff711239a2f7547d5353df95878ab232f0773c1d95928b92f8',
  'linux-x64 cuda': '60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7',
  'linux-arm64 cuda': '092790c696a760c729fd5722835f50b9d81fd7c8f141571f3f3cf4081a8f664c',
})

/**
 * NVIDIA's libraries that the CUDA build opens: those that torch's wheel asks for. And what its runtime's headers include, which
 * the addon is compiled with.
 */
const NVIDIA = [
  { name: 'nvidia-cublas', version: '13.1.1.3', x64: '37936a16db8fe4ac1f065c2139360608a543a09275cb1a1af612e08cfa065436', arm64: 'b7a210458267ac818974c53038fbec2e969d5c99f305ab15c72522fa9f001dd5' },
  { name: 'nvidia-cuda-crt', version: '13.5.37', x64: 'e898b7f73d3035fa89915a3f7bf3b54a73e90249746111aed295822c4729bb29', arm64: '9ed2c565fdf3244fa6719769a80a466b85bfd4b1467ea339353bc91c971d09e0' },
  { name: 'nvidia-cuda-cupti', version: '13.0.85', x64: '4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8', arm64: '796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151' },
  { name: 'nvidia-cuda-nvrtc', version: '13.0.88', x64: 'ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575', arm64: 'd27f20a0ca67a4bb34268a5e951033496c5b74870b868bacd046b1b8e0c3267b' },
  { name: 'nvidia-cuda-runtime', version: '13.0.96', x64: '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548', arm64: 'ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55' },
  { name: 'nvidia-cudnn-cu13', version: '9.20.0.48', x64: '0c45dd8eeb50b603f07995b1b300c62ffe6a1980482b82b3bcf94a4ca9d49304', arm64: 'e31454ae00094b0c55319d9d15b6fa2fc50a9e1c0f5c8c80fb75258234e731e1' },
  { name: 'nvidia-cufft', version: '12.0.0.61', x64: '6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3', arm64: '2708c852ef8cd89d1d2068bdbece0aa188813a0c934db3779b9b1faa8442e5f5' },
  { name: 'nvidia-cufile', version: '1.15.1.6', x64: '08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44', arm64: 'bdc0deedc61f548bddf7733bdc216456c2fdb101d020e1ab4b88d232d5e2f6d1' },
  { name: 'nvidia-curand', version: '10.4.0.35', x64: '1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc', arm64: '133df5a7509c3e292aaa2b477afd0194f06ce4ea24d714d616ff36439cee349a' },
  { name: 'nvidia-cusolver', version: '12.0.4.66', x64: '0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112', arm64: '02c2457eaa9e39de20f880f4bd8820e6a1cfb9f9a34f820eb12a155aa5bc92d2' },
  { name: 'nvidia-cusparse', version: '12.6.3.3', x64: '2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b', arm64: '80bcc4662f23f1054ee334a15c72b8940402975e0eab63178fc7e670aa59472c' },
  { name: 'nvidia-cusparselt-cu13', version: '0.8.1', x64: '786ce87568c303fadb5afcc7102d454cd3040d75f6f8626f5db460d1871f4dd0', arm64: '4dca476c50bf4780d46cd0bfbd82e2bc10a08e4fef7950917ce8d7578d22a23f' },
  { name: 'nvidia-nccl-cu13', version: '2.29.7', x64: 'edd81538446786ec3b73972543e53bb43bcaf0bfc8ef76cb679fcc390ffe136d', arm64: '674a12383e3c38a1bcccae7d4f3633b37852230b6047883cb2f4c2d1b36d9bf5' },
  { name: 'nvidia-nvjitlink', version: '13.0.88', x64: '13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b', arm64: 'e931536ccc7d467a98ba1d8b89ff7fa7f1fa3b13f2b0069118cd7f47bff07d0c' },
  { name: 'nvidia-nvshmem-cu13', version: '3.4.5', x64: '290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80', arm64: '6dc2a197f38e5d0376ad52cd1a2a3617d3cdc150fd5966f4aee9bcebb1d68fe9' },
  { name: 'nvidia-nvtx', version: '13.0.85', x64: '4936d1d6780fbe68db454f5e72a42ff64d1fd6397df9f363ae786930fd5c1cd4', arm64: 'cb7780edb6b14107373c835bf8b72e7a178bac7367e23da7acb108f973f157a6' },
]

/** What wheels' names tell of the systems that they run on. */
const TAGS = /** @type {Record<string, readonly string[]>} */ ({
  'linux-x64': ['manylinux_2_28_x86_64', 'manylinux_2_27_x86_64', 'manylinux_2_25_x86_64', 'manylinux_2_18_x86_64', 'manylinux2014_x86_64'],
  'linux-arm64': [
    'manylinux_2_28_aarch64', 'manylinux_2_27_aarch64', 'manylinux_2_25_aarch64', 'manylinux_2_18_aarch64', 'manylinux2014_aarch64',
  ],
  'darwin-arm64': ['macosx_14_0_arm64'],
})

/**
 * The wheels of a build: torch's first. None where there is no such build for the system.
 *
 * @param {'cpu' | 'cuda'} build
 * @param {string} [platform]
 * @returns {readonly Wheel[]}
 */
export function wheelsOf(build, platform = `${process.platform}-${process.arch}`) {
  const sha256 = TORCH[`${platform} ${build}`]
  if (sha256 === undefined) return []
  // The plain name on Linux is the CUDA build.
  const version = build === 'cpu' && platform.startsWith('linux') ? `${LIBTORCH_VERSION}+cpu` : LIBTORCH_VERSION
  const nvidia = NVIDIA.map(({ name, version, x64, arm64 }) => ({ name, version, sha256: platform.endsWith('x64') ? x64 : arm64 }))
  return [{ name: 'torch', version, sha256 }, ...(build === 'cuda' ? nvidia : [])]
}

/** As a file of requirements has them. @param {readonly Wheel[]} wheels */
export function requirements(wheels) {
  return wheels.map(({ name, version, sha256 }) => `${name}==${version} --hash=sha256:${sha256}\n`).join('')
}

/** What tells pip whose wheels are meant. @param {string} [platform] */
export function wheelTags(platform = `${process.platform}-${process.arch}`) {
  return ['--python-version', '3.11', '--implementation', 'cp', ...(TAGS[platform] ?? []).flatMap((tag) => ['--platform', tag])]
}
