// Runs a graph model: node tensorflow_js.cjs NODE_MODULES < request.json > answer.json
//
// The request names the directory of the model, the backend (cpu or wasm), the inputs as shape and
// data, and the tensor of each output. The last line on stderr is the error, if there is one.

const fs = require("fs");
const path = require("path");

const modules = process.argv[2];
console.log = console.warn = console.error; // TensorFlow.js advertises; stdout is for the answer
const tf = require(path.join(modules, "@tensorflow/tfjs"));
const wasm = require(path.join(modules, "@tensorflow/tfjs-backend-wasm"));

function readModel(directory) {
  const model = JSON.parse(fs.readFileSync(path.join(directory, "model.json")));
  const paths = model.weightsManifest.flatMap((group) => group.paths);
  const bytes = Buffer.concat(paths.map((name) => fs.readFileSync(path.join(directory, name))));
  const weightSpecs = model.weightsManifest.flatMap((group) => group.weights);
  return { ...model, weightSpecs, weightData: new Uint8Array(bytes).buffer };
}

async function run({ directory, backend, inputs, outputs }) {
  wasm.setWasmPaths(path.join(modules, "@tensorflow/tfjs-backend-wasm/dist/"));
  if (!(await tf.setBackend(backend))) throw new Error(`no backend ${backend}`);
  const model = await tf.loadGraphModel({ load: async () => readModel(directory) });
  const feeds = {};
  for (const [name, { shape, data }] of Object.entries(inputs)) {
    feeds[name] = tf.tensor(data, shape, "int32");
  }
  const names = Object.keys(outputs);
  const found = await model.executeAsync(feeds, Object.values(outputs));
  const tensors = [found].flat().map((tensor) => {
    return { shape: tensor.shape, data: Array.from(tensor.dataSync()) };
  });
  return Object.fromEntries(names.map((name, index) => [name, tensors[index]]));
}

run(JSON.parse(fs.readFileSync(0))).then(
  (answer) => process.stdout.write(JSON.stringify(answer)),
  (error) => {
    console.error(`${error.name}: ${error.message.split("\n")[0]}`);
    process.exitCode = 1;
  },
);
