#pragma once
// The part of Torch that this program uses: tensors, gradients, modules. `torch/torch.h` brings twice as much, and every
// file that includes it pays for templates that nobody here calls. This header is precompiled.
#include <torch/autograd.h>
#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adam.h>
#include <torch/types.h>
#include <torch/utils.h>
