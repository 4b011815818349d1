/** WebRTC's voice activity detection (libfvad, BSD), compiled to WebAssembly. */
declare module '@echogarden/fvad-wasm' {
  const load: () => Promise<unknown>
  export default load
}
