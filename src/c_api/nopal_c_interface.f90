! SPDX-FileCopyrightText: 2026 nopal developers
! SPDX-License-Identifier: BSD-3-Clause

!> The functions of nopal/nopal.h as Fortran sees them; programs use the module nopal.
module nopal_c_interface
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_int, c_int64_t, c_ptr, c_size_t
  implicit none
  public

  interface
    integer(c_int) function c_initialise() bind(c, name='nopal_initialise')
      import :: c_int
    end function c_initialise
    integer(c_int) function c_finalise() bind(c, name='nopal_finalise')
      import :: c_int
    end function c_finalise
    type(c_ptr) function c_error_text() bind(c, name='nopal_error_text')
      import :: c_ptr
    end function c_error_text
    type(c_ptr) function c_version() bind(c, name='nopal_version')
      import :: c_ptr
    end function c_version
    type(c_ptr) function c_commit() bind(c, name='nopal_commit')
      import :: c_ptr
    end function c_commit
    type(c_ptr) function c_configuration() bind(c, name='nopal_configuration')
      import :: c_ptr
    end function c_configuration

    integer(c_int) function c_load(comm, path, precision, model) bind(c, name='nopal_model_load_f')
      import :: c_char, c_int, c_ptr
      integer(c_int), value :: comm, precision
      character(kind=c_char), intent(in) :: path(*)
      type(c_ptr), intent(out) :: model
    end function c_load
    integer(c_int) function c_create(comm, name, configuration, precision, seed, model) &
         bind(c, name='nopal_model_create_f')
      import :: c_char, c_int, c_int64_t, c_ptr
      integer(c_int), value :: comm, precision
      character(kind=c_char), intent(in) :: name(*), configuration(*)
      integer(c_int64_t), value :: seed
      type(c_ptr), intent(out) :: model
    end function c_create
    integer(c_int) function c_save(model, path) bind(c, name='nopal_model_save')
      import :: c_char, c_int, c_ptr
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: path(*)
    end function c_save
    integer(c_int) function c_destroy(model) bind(c, name='nopal_model_destroy')
      import :: c_int, c_ptr
      type(c_ptr), intent(inout) :: model
    end function c_destroy

    integer(c_int) function c_channels(model, in, out) bind(c, name='nopal_model_channels')
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: model
      integer(c_int64_t), intent(out) :: in, out
    end function c_channels
    integer(c_int) function c_field(model, side, channel, name, unit) bind(c, name='nopal_model_field')
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: model
      integer(c_int), value :: side
      integer(c_int64_t), value :: channel
      type(c_ptr), intent(out) :: name, unit
    end function c_field
    integer(c_int) function c_grid(model, dimension, extents) bind(c, name='nopal_model_grid')
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: model
      integer(c_int), intent(out) :: dimension
      integer(c_int64_t), intent(out) :: extents(*)
    end function c_grid
    integer(c_int) function c_axis(model, axis, name, low, high, unit) bind(c, name='nopal_model_axis')
      import :: c_double, c_int, c_ptr
      type(c_ptr), value :: model
      integer(c_int), value :: axis
      type(c_ptr), intent(out) :: name, unit
      real(c_double), intent(out) :: low, high
    end function c_axis
    integer(c_int) function c_metadata(model, key, text) bind(c, name='nopal_model_metadata')
      import :: c_char, c_int, c_ptr
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: key(*)
      type(c_ptr), intent(out) :: text
    end function c_metadata
    integer(c_int) function c_set_metadata(model, key, text) bind(c, name='nopal_model_set_metadata')
      import :: c_char, c_int, c_ptr
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: key(*), text(*)
    end function c_set_metadata

    integer(c_int) function c_set_box(model, dimension, extents, begin, end, layout) &
         bind(c, name='nopal_model_set_box')
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: model
      integer(c_int), value :: dimension, layout
      integer(c_int64_t), intent(in) :: extents(*), begin(*), end(*)
    end function c_set_box
    integer(c_int) function c_set_memory(model, memory) bind(c, name='nopal_model_set_memory')
      import :: c_int, c_ptr
      type(c_ptr), value :: model
      integer(c_int), value :: memory
    end function c_set_memory
    integer(c_int) function c_check_precision(model, precision) &
         bind(c, name='nopal_model_check_precision')
      import :: c_int, c_ptr
      type(c_ptr), value :: model
      integer(c_int), value :: precision
    end function c_check_precision
    integer(c_int) function c_infer(model, x, x_count, y, y_count) bind(c, name='nopal_model_infer')
      import :: c_int, c_ptr, c_size_t
      type(c_ptr), value :: model, x, y
      integer(c_size_t), value :: x_count, y_count
    end function c_infer
    integer(c_int) function c_functions(model, functions, dimension) &
         bind(c, name='nopal_model_functions')
      import :: c_int, c_ptr
      type(c_ptr), value :: model
      integer(c_int), intent(out) :: functions, dimension
    end function c_functions
    integer(c_int) function c_function_size(model, function, size) &
         bind(c, name='nopal_model_function_size')
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: model
      integer(c_int), value :: function
      integer(c_int64_t), intent(out) :: size
    end function c_function_size
    integer(c_int) function c_infer_points(model, functions, functions_count, points, points_count, &
         y, y_count, layout) bind(c, name='nopal_model_infer_points')
      import :: c_int, c_ptr, c_size_t
      type(c_ptr), value :: model, functions, points, y
      integer(c_size_t), value :: functions_count, points_count, y_count
      integer(c_int), value :: layout
    end function c_infer_points

    integer(c_int) function c_trainer_create(model, options, trainer) &
         bind(c, name='nopal_trainer_create')
      import :: c_char, c_int, c_ptr
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: options(*)
      type(c_ptr), intent(out) :: trainer
    end function c_trainer_create
    integer(c_int) function c_trainer_destroy(trainer) bind(c, name='nopal_trainer_destroy')
      import :: c_int, c_ptr
      type(c_ptr), intent(inout) :: trainer
    end function c_trainer_destroy
    integer(c_int) function c_trainer_check_precision(trainer, precision) &
         bind(c, name='nopal_trainer_check_precision')
      import :: c_int, c_ptr
      type(c_ptr), value :: trainer
      integer(c_int), value :: precision
    end function c_trainer_check_precision
    integer(c_int) function c_trainer_add(trainer, x, x_count, y, y_count) &
         bind(c, name='nopal_trainer_add')
      import :: c_int, c_ptr, c_size_t
      type(c_ptr), value :: trainer, x, y
      integer(c_size_t), value :: x_count, y_count
    end function c_trainer_add
    integer(c_int) function c_trainer_error(trainer, x, x_count, y, y_count, error) &
         bind(c, name='nopal_trainer_error')
      import :: c_double, c_int, c_ptr, c_size_t
      type(c_ptr), value :: trainer, x, y
      integer(c_size_t), value :: x_count, y_count
      real(c_double), intent(out) :: error
    end function c_trainer_error
    integer(c_int) function c_trainer_step(trainer, steps, loss) bind(c, name='nopal_trainer_step')
      import :: c_double, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: trainer
      integer(c_int64_t), value :: steps
      real(c_double), intent(out) :: loss
    end function c_trainer_step
    integer(c_int) function c_trainer_rate(trainer, rate) &
         bind(c, name='nopal_trainer_set_learning_rate')
      import :: c_double, c_int, c_ptr
      type(c_ptr), value :: trainer
      real(c_double), value :: rate
    end function c_trainer_rate
    integer(c_int) function c_trainer_counts(trainer, samples, steps) &
         bind(c, name='nopal_trainer_counts')
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: trainer
      integer(c_int64_t), intent(out) :: samples, steps
    end function c_trainer_counts
    integer(c_int) function c_trainer_save(trainer, path) bind(c, name='nopal_trainer_save')
      import :: c_char, c_int, c_ptr
      type(c_ptr), value :: trainer
      character(kind=c_char), intent(in) :: path(*)
    end function c_trainer_save
    integer(c_int) function c_trainer_restore(trainer, path) bind(c, name='nopal_trainer_restore')
      import :: c_char, c_int, c_ptr
      type(c_ptr), value :: trainer
      character(kind=c_char), intent(in) :: path(*)
    end function c_trainer_restore

    integer(c_size_t) function c_strlen(text) bind(c, name='strlen')
      import :: c_ptr, c_size_t
      type(c_ptr), value :: text
    end function c_strlen
  end interface

end module nopal_c_interface
