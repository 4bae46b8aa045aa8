/**
 * The classes that tfjs-layers 4.22.0 can build from a topology without the help of user code. Kept as a list, because the registry of
 * a running tfjs also holds the classes that the user registered, which executors do not have.
 */
export const builtinClasses: ReadonlySet<string> = wordsOf(`
  Zeros Ones Constant RandomUniform RandomNormal TruncatedNormal Identity VarianceScaling GlorotUniform
  GlorotNormal HeNormal HeUniform LeCunNormal LeCunUniform Orthogonal MaxNorm UnitNorm NonNeg MinMaxNorm L1L2
  Model Functional Sequential InputLayer Activation ReLU LeakyReLU PReLU ELU ThresholdedReLU Softmax Dense
  Dropout SpatialDropout1D Flatten RepeatVector Reshape Permute Masking Embedding Conv1D Conv2D Conv3D
  Conv2DTranspose Conv3DTranspose SeparableConv2D DepthwiseConv2D Cropping2D UpSampling2D ZeroPadding2D
  MaxPooling1D AveragePooling1D MaxPooling2D AveragePooling2D MaxPooling3D AveragePooling3D
  GlobalAveragePooling1D GlobalMaxPooling1D GlobalAveragePooling2D GlobalMaxPooling2D RNN SimpleRNNCell
  SimpleRNN GRUCell GRU LSTMCell LSTM StackedRNNCells ConvLSTM2DCell ConvLSTM2D TimeDistributed Bidirectional
  Add Multiply Average Maximum Minimum Concatenate Dot GaussianNoise GaussianDropout AlphaDropout
  BatchNormalization LayerNormalization Rescaling CenterCrop CategoryEncoding Resizing RandomWidth
`);

/** Activations, by the names that tfjs registers. */
export const builtinActivations: ReadonlySet<string> = wordsOf(`
  elu selu relu relu6 linear sigmoid hardSigmoid softplus softsign tanh softmax logSoftmax gelu gelu_new mish
  swish
`);

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
