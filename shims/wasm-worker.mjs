// Stands in for wasm.cjs where a runtime compiles nothing from bytes, such as workerd: there a module is imported.
import compiled from '../native/vecstash.wasm';

export default () => new WebAssembly.Instance(compiled).exports;
