# `node-gyp rebuild` builds the same addon as the install hook does. The hook itself ("install" in package.json) does not go
# through gyp: a Rust build needs no make, no Python and no Node headers, and node-gyp fails, or downloads, where one is missing.
{
  'targets': [
    {
      'target_name': 'vecstash',
      'type': 'none',
      'actions': [
        {
          'action_name': 'build_native_engine',
          'inputs': ['native/Cargo.toml'],
          # Never made, so the action runs every time: cargo knows best what is up to date.
          'outputs': ['<(PRODUCT_DIR)/vecstash.always'],
          'action': ['node', 'native/build.mjs'],
        },
      ],
    },
  ],
}
